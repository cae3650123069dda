import type { SentTrace, TraceWay } from './ledger.ts';
import type { SeededRandom } from './ledger-random.ts';

/** All ways there are. */
export const WAYS: readonly TraceWay[] = ['none', 'meta', 'header', 'both', 'unsampled', 'invalid'];
/** Those that need no headers. */
export const BARE_WAYS: readonly TraceWay[] = ['none', 'meta', 'unsampled'];
const NOTHING = { traceId: undefined, parentId: undefined, isSampled: true, headers: {}, meta: {} };

/** A trace a request is sent with. */
export function someTrace(random: SeededRandom, way: TraceWay): SentTrace {
  const [traceId, parentId] = [random.hex(32), random.hex(16)];
  const traceparent = `00-${traceId}-${parentId}-${way === 'unsampled' ? '00' : '01'}`;
  const sent = { way, traceId, parentId, isSampled: way !== 'unsampled' };
  switch (way) {
    case 'none':
      return { ...NOTHING, way };
    case 'invalid':
      return {
        ...NOTHING,
        way,
        headers: { traceparent: `00-${traceId}` },
        meta: { traceparent: 7 },
      };
    case 'header':
      return { ...sent, headers: { traceparent, tracestate: 'ledger=header' }, meta: {} };
    case 'both': {
      // The message itself is believed, whatever carried it says.
      const other = `00-${random.hex(32)}-${random.hex(16)}-00`;
      return {
        ...sent,
        headers: { traceparent: other },
        meta: { traceparent, tracestate: 'ledger=meta' },
      };
    }
    default:
      return { ...sent, headers: {}, meta: { traceparent } };
  }
}
