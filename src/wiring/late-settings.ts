import type { Plan } from '../kernel/plan.ts';

/** Settings that are built in when the gateway starts, as far as two plans differ in them. */
export function lateSettings(before: Plan, after: Plan): string[] {
  const hadTls = before.server.tls !== undefined;
  const changes: readonly (readonly [setting: string, isChanged: boolean])[] = [
    ['server.maxHeaderBytes', before.server.maxHeaderBytes !== after.server.maxHeaderBytes],
    ['logging.format', before.logging.format !== after.logging.format],
    ['metrics.mainPort', before.metrics.isOnMainPort !== after.metrics.isOnMainPort],
    ['usage.database', before.usage.database !== after.usage.database],
    ['server.tls', hadTls !== (after.server.tls !== undefined)],
    [
      'upstreams.startConcurrency',
      before.upstreams.startConcurrency !== after.upstreams.startConcurrency,
    ],
  ];
  return changes.flatMap(([setting, isChanged]) => (isChanged ? [setting] : []));
}
