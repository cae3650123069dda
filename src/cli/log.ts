import { destination, pino, stdTimeFunctions, type Logger } from 'pino';

/** The log of a process: JSON lines on standard error, so that standard output stays free. */
export function createLog(level: string): Logger {
  return pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime },
    destination({ fd: 2, sync: true }),
  );
}
