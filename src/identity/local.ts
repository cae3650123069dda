import type { Credentials } from '../kernel/arrival.ts';
import { Principal } from '../kernel/principal.ts';

const LOCAL = Principal.prove('local', 'local');

/** Who calls a gateway that listens on the loopback interface alone: the person at this machine. */
export function identifyLocal(_credentials: Credentials): Principal {
  return LOCAL;
}
