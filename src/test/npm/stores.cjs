'use strict';
// The shop's two stores, as the environment names them: REDIS_* and DB_*.
const env = process.env;

exports.connection = {
  host: env.REDIS_HOST,
  port: Number(env.REDIS_PORT),
  password: env.REDIS_PASSWORD || undefined,
  maxRetriesPerRequest: null,
};

exports.openDatabase = (connections) =>
  require('mysql2/promise').createPool({
    host: env.DB_HOST,
    port: Number(env.DB_PORT),
    user: env.DB_USER,
    password: env.DB_PASSWORD,
    database: env.DB_NAME,
    connectionLimit: connections,
  });
