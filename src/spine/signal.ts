import type { Message, Request, RequestId } from '../kernel/json-rpc.ts';
import { stringAt } from '../kernel/json.ts';
import type { Session, SpinePorts } from './ports.ts';

/** The road of signals: they touch only the open exchanges of the session they came in (docs/rules.md R1). */
export function signal(
  session: Session,
  message: Exclude<Message, Request>,
  ports: SpinePorts,
): void {
  session.touch();
  if (!('method' in message)) {
    session.answer(message);
    return;
  }
  const { method, params } = message;
  switch (method) {
    case 'notifications/initialized':
      session.setInitialized();
      break;
    case 'notifications/cancelled':
      session.inFlight
        .get(params?.['requestId'] as RequestId)
        ?.cancel(stringAt(params, 'reason') ?? 'cancelled by the client');
      break;
    case 'notifications/progress':
      session.progress(params ?? {});
      break;
    case 'notifications/roots/list_changed':
      ports.rootsChanged(session);
      break;
    default:
  }
}
