import { AuditPlace, exchange } from './audit-place.ts';

/** A process that writes an audit in the data folder it is given, without an end, until it is killed. */
const [dataDir, flushMs] = process.argv.slice(2);
const place = new AuditPlace(undefined, { flushMs: Number(flushMs) }, dataDir);
const sink = place.open();
let index = 0;
setInterval(() => {
  for (let count = 0; count < 20; count += 1) {
    sink.take(exchange(index));
    index += 1;
  }
}, 2);
