import { Cancellation, isWanted, type Exchange, type Owner } from '../kernel/exchange.ts';
import { stringAt } from '../kernel/json.ts';
import type { Notification } from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Sender } from './modern-checks.ts';

let lastExchange = 0;

/** The exchange of a modern request: its sender is known by what the request itself says, and by nothing that is kept. */
export function modernExchange(
  sender: Sender,
  principal: Principal,
  write: (text: string) => void,
): Exchange {
  lastExchange += 1;
  const cannotAsk = (): Promise<never> =>
    Promise.reject(
      new Refusal('CLIENT_UNREACHABLE', 'The client cannot be asked within this request.'),
    );
  const deliver = (message: Notification): void => {
    if (isWanted(message, owner, true)) write(JSON.stringify(message));
  };
  const owner: Owner = {
    key: `exchange ${lastExchange}`,
    principal: principal.withClient(stringAt(sender.clientInfo, 'name')),
    version: sender.version,
    capabilities: sender.capabilities,
    clientInfo: sender.clientInfo,
    logLevel: sender.logLevel,
    hasLeft: false,
    isRestored: false,
    notify: deliver,
    ask: cannotAsk,
  };
  return {
    era: 'modern',
    owner,
    cancellation: new Cancellation(),
    notify: deliver,
    ask: cannotAsk,
  };
}
