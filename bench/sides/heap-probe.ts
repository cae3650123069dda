// Loaded into a gateway whose memory is measured: collects garbage when its parent asks and says what is left.
import process from 'node:process';

process.on('message', () => {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
// The channel alone must not keep the gateway running.
process.channel?.unref();
