'use strict';
// The same pipeline as Waybill's, as a BullMQ Worker in Node: what ./waybill bench --only bullmq measures Waybill against.
// node pipeline.cjs <manner> <queue> <prefix> <concurrency> <directory> <fixture>, with REDIS_*, DB_*, WEBHOOK_URL and
// API_SECRET_KEY. Two manners:
//   whole  leaves behind what Waybill leaves behind: the programs' output in a log a task, its last lines in the job's log, the
//          events on the Redis channel and in the lifecycle log, a list of the files; and writes the step down in the job's data,
//          as BullMQ's manual has it for jobs of several steps, so that a job goes on at the step that failed.
//   bare   does what has to be done and nothing else: a job that fails begins anew, and nobody is told anything.
// Neither has a ledger, looks after what the programs leave running, or limits how long they run.
const {spawn} = require('node:child_process');
const {createHmac} = require('node:crypto');
const fs = require('node:fs/promises');
const {createWriteStream} = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const Redis = require('ioredis');
const {Worker, UnrecoverableError} = require('bullmq');
const {connection, openDatabase} = require('./stores.cjs');

const [manner, queueName, prefix, concurrency, directory, fixture] = process.argv.slice(2);
const whole = manner === 'whole';
const staging = path.join(directory, 'staging');
const logs = path.join(directory, 'logs');
const LAST_LINES = 50;
const env = process.env;
const slots = Number(concurrency);
const database = openDatabase(slots);
const agent = new http.Agent({keepAlive: true, maxSockets: slots});
const webhook = new URL(env.WEBHOOK_URL);

const channel = whole ? new Redis(connection) : null;
const lifecycle = whole ? createWriteStream(path.join(logs, 'lifecycle.log'), {flags: 'a'}) : null;

function tell(event, job, stage, detail) {
  if (!whole) return;
  const line = JSON.stringify({at: new Date().toISOString(), event, taskId: job.data.taskId, stage, detail});
  lifecycle.write(line + '\n');
  // Not waited for: those of all jobs go out together.
  channel.publish('waybill:events', line).catch((e) => console.error(e));
}

function run(job, log, program, args) {
  const stdio = whole ? ['ignore', 'pipe', 'pipe'] : 'ignore';
  return new Promise((done, failed) => {
    const child = spawn(program, args, {stdio});
    if (whole) {
      const keep = (text) => {
        log.write(text);
        const percent = /(\d{1,3})%/.exec(text);
        if (percent) job.updateProgress(Number(percent[1])).catch((e) => console.error(e));
      };
      child.stdout.setEncoding('utf8').on('data', keep);
      child.stderr.setEncoding('utf8').on('data', keep);
    }
    child.on('error', failed).on('close', (code) => (code === 0 ? done() : failed(new Error(`${program}: exit code ${code}`))));
  });
}

// What is delivered: path and size of each file.
async function manifest(top, inner = '') {
  const files = [];
  for (const entry of await fs.readdir(path.join(top, inner), {withFileTypes: true})) {
    const name = path.join(inner, entry.name);
    if (entry.isDirectory()) files.push(...(await manifest(top, name)));
    else files.push({path: name, size: (await fs.lstat(path.join(top, name))).size});
  }
  return files;
}

async function step(job, data) {
  if (whole) await job.updateData({...job.data, ...data});
}

function post(taskId, folder) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify({secret_key: env.API_SECRET_KEY, task_id: taskId, folder_name: folder, timestamp});
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'X-Timestamp': timestamp,
    'X-Signature': createHmac('sha256', env.API_SECRET_KEY).update(taskId + folder + timestamp).digest('hex'),
  };
  return new Promise((done, failed) => {
    http
      .request(webhook, {method: 'POST', agent, headers}, (answer) => {
        answer.resume();
        answer.on('end', () => (answer.statusCode < 300 ? done() : failed(new Error(`webhook: ${answer.statusCode}`))));
      })
      .on('error', failed)
      .end(body);
  });
}

async function download(job, log, sandbox) {
  const {taskId, courseUrl} = job.data;
  const [rows] = await database.execute('SELECT status, course_url FROM download_tasks WHERE id = ?', [taskId]);
  if (rows[0].status !== 'enrolled' || rows[0].course_url !== courseUrl) throw new UnrecoverableError(rows[0].status);
  tell('ENROLLED', job);
  tell('DOWNLOAD_START', job, 'download');
  if (whole) log.write(`--- ${new Date().toISOString()} download ---\n`);
  await fs.mkdir(sandbox, {recursive: whole});
  await run(job, log, '/bin/cp', ['-r', '-S', courseUrl, fixture, `${sandbox}/course`]);
  const [folder] = await fs.readdir(sandbox);
  const files = whole ? await manifest(path.join(sandbox, folder)) : [];
  await step(job, {step: 'downloaded', folder, files});
  tell('DOWNLOAD_SUCCESS', job, 'download', `${files.length} files`);
  return folder;
}

async function upload(job, log, sandbox, folder) {
  tell('UPLOAD_START', job, 'upload');
  if (whole) log.write(`--- ${new Date().toISOString()} upload ---\n`);
  await run(job, log, '/bin/true', ['move', '--', `${sandbox}/${folder}`, `drive:deliveries/${folder}`]);
  await database.execute("UPDATE download_tasks SET status = 'completed', updated_at = NOW() WHERE id = ?", [job.data.taskId]);
  await step(job, {step: 'uploaded'});
  tell('UPLOAD_SUCCESS', job, 'upload');
  tell('COMPLETED', job, 'upload', folder);
}

async function announce(job, folder) {
  await post(job.data.taskId, folder);
  await step(job, {step: 'notified'});
  tell('WEBHOOK_SUCCESS', job, 'webhook');
}

async function deliver(job) {
  const {taskId} = job.data;
  const sandbox = `${staging}/Task_${taskId}`;
  const done = job.data.step;
  const logFile = path.join(logs, `task-${taskId}.log`);
  const log = whole ? createWriteStream(logFile, {flags: 'a'}) : null;
  tell('RECEIVED', job);
  const folder = done ? job.data.folder : await download(job, log, sandbox);
  if (!done || done === 'downloaded') await upload(job, log, sandbox, folder);
  if (done !== 'notified') await announce(job, folder);
  await fs.rm(sandbox, {recursive: true, force: whole});
  tell('CLEANUP', job, 'clean-up');
  if (whole) {
    await new Promise((closed) => log.end(closed));
    const lines = (await fs.readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-LAST_LINES);
    await job.log(lines.join('\n'));
  }
  return {taskId, status: 'completed', folder};
}

const worker = new Worker(queueName, deliver, {
  connection,
  prefix,
  concurrency: slots,
  // As Waybill has it.
  removeOnComplete: {age: 24 * 3600},
  removeOnFail: {age: 7 * 24 * 3600},
});
worker.on('error', (e) => console.error(e));
worker.on('failed', (job, e) => console.error(job?.id, e));
worker.waitUntilReady().then(() => console.log('ready'));
