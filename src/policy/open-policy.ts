import { Permit, type Decision } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Target } from '../kernel/target.ts';

/** The policy of a gateway without access control: everybody who is proven may use everything. */
export function decideOpen(principal: Principal, target: Target): Decision {
  return Permit.grant(principal, target, 'open');
}
