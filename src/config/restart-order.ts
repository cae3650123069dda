import type { UpstreamLimits } from '../kernel/plan.ts';
import type { ConfigFile } from './config-file.ts';
import type { Path } from './tree.ts';

/** Reports limits whose longest restart pause is shorter than the first. */
export function checkRestartOrder(file: ConfigFile, path: Path, limits: UpstreamLimits): void {
  const { restartMinMs, restartMaxMs } = limits;
  if (restartMinMs <= restartMaxMs) return;
  const message = `restartMinMs (${restartMinMs}) must not be greater than restartMaxMs (${restartMaxMs}).`;
  file.error([...path, 'restartMinMs'], message);
}
