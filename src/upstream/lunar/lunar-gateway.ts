import type { LunarPlan, StdioEndpoint } from '../../kernel/plan.ts';
import { lunarEnvironment } from './child-environment.ts';
import { FailSafe } from './fail-safe.ts';

/** The Lunar Gateway that the traffic of all servers goes through, and what is known of its health. */
export class LunarGateway {
  readonly plan: LunarPlan;
  /** `host:port` */
  readonly authority: string;
  /** Whether it can be reached at all; what it says of single servers is theirs. */
  readonly failSafe: FailSafe;

  constructor(plan: LunarPlan) {
    this.plan = plan;
    this.authority = `${plan.host}:${plan.port}`;
    this.failSafe = new FailSafe(plan);
  }

  /** Undefined where no Lunar Gateway is configured. */
  static of(plan: LunarPlan | undefined): LunarGateway | undefined {
    return plan === undefined ? undefined : new LunarGateway(plan);
  }

  /** A server to start, with what its own calls need to go the same way. */
  equip(endpoint: StdioEndpoint, inheritedEnv: Readonly<Record<string, string>>): StdioEndpoint {
    return { ...endpoint, env: lunarEnvironment(endpoint, inheritedEnv, this.authority) };
  }
}
