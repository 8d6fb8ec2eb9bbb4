'use strict';
// A producer, a worker and a watcher that are the real BullMQ, for a test in another language: a command is a line of JSON on
// stdin, {"id":1,"do":"add","args":[...]}; its answer a line on stdout, {"id":1,"ok":...} or {"id":1,"error":"..."}. What the
// queue's events tell comes as {"event":"completed","args":{...}}. Ends when stdin does.
// node peer.cjs <package> <queue> <prefix>, with REDIS_HOST, REDIS_PORT and REDIS_PASSWORD in the environment.
const readline = require('node:readline');
const {connection} = require('./stores.cjs');
const [name, queueName, prefix] = process.argv.slice(2);
const bull = require(name);
const queue = new bull.Queue(queueName, {connection, prefix});
let flows;
let events;
let worker;
let hand;
const inHand = new Map();

function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// What a job of ours asks the worker for is in its data.
async function work(job) {
  if (job.data.progress !== undefined) await job.updateProgress(job.data.progress);
  if (job.data.log) await job.log(job.data.log);
  if (job.data.ms) await sleep(job.data.ms);
  if (job.data.fail === 'forGood') throw new bull.UnrecoverableError('for good');
  if (job.data.fail) throw new Error(job.data.fail);
  say({event: 'worked', args: {jobId: job.id, by: 'node'}});
  if (job.data.collect) return job.getChildrenValues();
  return {by: 'node', data: job.data};
}

function plain(job) {
  return job ? {...job.asJSON(), id: job.id} : null;
}

const commands = {
  async ready() {
    await queue.waitUntilReady();
    return bull.Queue.name;
  },
  add: async (kind, data, options) => (await queue.add(kind, data, options)).id,
  addBulk: async (jobs) => (await queue.addBulk(jobs)).map((job) => job.id),
  async flow(tree) {
    flows = flows || new bull.FlowProducer({connection, prefix});
    const id = (node) => ({id: node.job.id, children: (node.children || []).map(id)});
    return id(await flows.add(tree));
  },
  async events() {
    events = new bull.QueueEvents(queueName, {connection, prefix});
    for (const event of ['added', 'waiting', 'active', 'progress', 'completed', 'failed', 'delayed', 'stalled', 'drained']) {
      events.on(event, (args) => say({event, args}));
    }
    await events.waitUntilReady();
  },
  async result(id, ms) {
    const job = await bull.Job.fromId(queue, id);
    return job.waitUntilFinished(events, ms);
  },
  job: async (id) => plain(await bull.Job.fromId(queue, id)),
  state: async (id) => queue.getJobState(id),
  counts: async () => queue.getJobCounts(),
  workers: async () => queue.getWorkers(),
  metrics: async (kind) => queue.getMetrics(kind),
  logs: async (id) => queue.getJobLogs(id),
  pause: async () => queue.pause(),
  resume: async () => queue.resume(),
  retry: async (id) => (await bull.Job.fromId(queue, id)).retry('failed'),
  promote: async (id) => (await bull.Job.fromId(queue, id)).promote(),
  concurrency: async (number) => queue.setGlobalConcurrency(number),
  rateLimit: async (max, ms) => queue.setGlobalRateLimit(max, ms),
  async worker(options) {
    worker = new bull.Worker(queueName, work, {connection, prefix, ...options});
    worker.on('error', (e) => process.stderr.write(e + '\n'));
    await worker.waitUntilReady();
  },
  closeWorker: async () => worker.close(),

  // A worker whose steps are taken one by one, for a comparison; its clock stands still between them.
  async clock(ms) {
    Date.now = () => ms;
  },
  async hand(options) {
    hand = new bull.Worker(queueName, null, {connection, prefix, autorun: false, skipStalledCheck: true, ...options});
    await hand.waitUntilReady();
  },
  async take(token) {
    const job = await hand.getNextJob(token, {block: false});
    if (job) inHand.set(job.id, job);
    return job ? job.id : null;
  },
  progress: async (id, value) => inHand.get(id).updateProgress(value),
  log: async (id, line) => inHand.get(id).log(line),
  extend: async (id, token) => inHand.get(id).extendLock(token, 30000),
  complete: async (id, token, value) => void (await inHand.get(id).moveToCompleted(value, token, false)),
  async fail(id, token, reason, forGood) {
    const failure = forGood ? new bull.UnrecoverableError(reason) : new Error(reason);
    failure.stack = 'stack of ' + reason;
    await inHand.get(id).moveToFailed(failure, token, false);
  },
  delay: async (id, token, ms) => inHand.get(id).moveToDelayed(Date.now() + ms, token),
  release: async (id, token) => void (await inHand.get(id).moveToWait(token)),
  stalled: async () => hand.moveStalledJobsToWait(),

  // bull-board, as its users serve it.
  async board() {
    const {createBullBoard} = require('@bull-board/api');
    const {BullMQAdapter} = require('@bull-board/api/bullMQAdapter');
    const {ExpressAdapter} = require('@bull-board/express');
    const adapter = new ExpressAdapter();
    createBullBoard({queues: [new BullMQAdapter(queue)], serverAdapter: adapter});
    const app = require('express')();
    app.use('/', adapter.getRouter());
    return new Promise((done) => {
      const server = app.listen(0, '127.0.0.1', () => done(server.address().port));
    });
  },
};

readline
  .createInterface({input: process.stdin})
  .on('line', async (line) => {
    const {id, do: command, args} = JSON.parse(line);
    try {
      const ok = await commands[command](...(args || []));
      say({id, ok: ok === undefined ? null : ok});
    } catch (e) {
      say({id, error: e.message});
    }
  })
  .on('close', () => process.exit(0));
