/**
 * Reports how many tests ran, as one number.
 * @param {AsyncIterable<import('node:test/reporters').TestEvent>} events
 */
export default async function* count(events) {
  for await (const event of events)
    if (event.type === 'test:summary' && event.data.file === undefined)
      yield String(event.data.counts.tests - event.data.counts.skipped);
}
