import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { METHODS } from '../kernel/methods.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { SpinePorts } from './ports.ts';
import type { Trail } from './trail.ts';

/** The road of a list: its Target is the catalog, its answer the View. */
export async function serveList(
  arrival: Arrival,
  trail: Trail,
  ports: SpinePorts,
): Promise<Answer> {
  const { request, era } = arrival;
  const kind = METHODS.get(request.method)?.list;
  if (kind === undefined) throw new Refusal('METHOD_UNKNOWN');
  const cursor = request.params?.['cursor'];
  if (cursor !== undefined && typeof cursor !== 'string')
    throw new Refusal('PARAMS_INVALID', 'params.cursor must be a string.');
  await ports.whenListed();
  const page = ports.view(trail.principal, arrival.exchange.owner).list(kind, era, cursor);
  if (page === undefined)
    throw new Refusal(
      'PARAMS_INVALID',
      'params.cursor is not one of this list, or the list has changed: begin again without it.',
    );
  return page;
}
