import type { Credentials } from '../kernel/arrival.ts';

/** What the client on standard input may say of itself: the process that started this one needs no other proof. */
export interface StdioCaller {
  readonly consumer?: string | undefined;
  /** The tool group it confines itself to. */
  readonly endpoint?: string | undefined;
}

const CONSUMER_TAG = 'x-lunar-consumer-tag';

/** What that client presents. */
export function stdioCredentials({ consumer, endpoint }: StdioCaller): Credentials {
  const header = (name: string): string | undefined =>
    name === CONSUMER_TAG ? consumer : undefined;
  return { header, address: undefined, isParent: true, endpoint };
}
