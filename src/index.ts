export { Gateway, type GatewayTerms, type Log } from './gateway.ts';
export type { Plan, Surroundings } from './kernel/plan.ts';
