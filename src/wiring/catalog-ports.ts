import type { CatalogPorts } from '../catalog/ports.ts';
import type { Seal } from '../seal/seal.ts';
import type { Access } from './access.ts';

type Rest = Pick<CatalogPorts, 'serverInfo' | 'now' | 'onCollisions' | 'onChanged'>;

/** The catalog on access control and the seal. */
export function catalogPorts(access: Access, seal: Seal, rest: Rest): CatalogPorts {
  return {
    sight: (principal, target) => access.sight(principal, target),
    reaches: (principal, upstream) => access.reaches(principal, upstream),
    viewKey: (principal) => access.viewKey(principal),
    viewUntil: (principal) => access.viewUntil(principal),
    sealCursor: (text) => seal.seal('cursor', text),
    openCursor: (sealed) => seal.open('cursor', sealed),
    ...rest,
  };
}
