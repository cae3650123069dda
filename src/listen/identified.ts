import type { Credentials } from '../kernel/arrival.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Gate } from '../spine/ports.ts';

/** Goes on as the caller these credentials prove, at once where that is known already; what goes wrong is refused. */
export function identified(
  gate: Gate,
  credentials: Credentials,
  goOn: (principal: Principal) => void | Promise<void>,
  refuse: (error: unknown) => void,
): void {
  const { address } = credentials;
  const failed = (error: unknown, principal?: Principal): void => {
    gate.refused(error, address, principal);
    refuse(error);
  };
  const go = (principal: Principal): void => {
    try {
      const going = goOn(principal);
      going?.catch((error: unknown) => failed(error, principal));
    } catch (error) {
      failed(error, principal);
    }
  };
  try {
    const found = gate.identify(credentials);
    if (found instanceof Promise) found.then(go, failed);
    else go(found);
  } catch (error) {
    failed(error);
  }
}
