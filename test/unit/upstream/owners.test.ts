import assert from 'node:assert/strict';
import test from 'node:test';
import { Cancellation, type Exchange, type Owner } from '../../../src/kernel/exchange.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { Flights } from '../../../src/upstream/flights.ts';
import { Owners, ownerOf, type Claim } from '../../../src/upstream/owners.ts';

interface Client extends Owner {
  hasLeft: boolean;
}

const MINUTE_MS = 60_000;

function clientOf(key: string): Client {
  return { key, hasLeft: false } as Client;
}

let lastExchange = 0;

/** The owner of one modern exchange, of whom only the caller and what its client calls itself are known. */
function exchangeOf(credential: string, client?: string): Client {
  lastExchange += 1;
  const principal = Principal.prove({ credential, proof: 'token' }).withClient(client);
  return { key: `exchange ${lastExchange}`, hasLeft: false, principal } as Client;
}

interface LinkOfClients {
  readonly owners: Owners;
  readonly flights: Flights;
  call(owner: Owner): number;
  end(id: number): void;
  /** Ends a call here, without an answer. */
  giveUp(id: number): void;
  pass(ms: number): void;
}

/** A link of clients, with the calls they have in flight; those of a principal are modern. */
function linkOf(only?: Owner): LinkOfClients {
  const flights = new Flights(() => undefined);
  let now = 0;
  const owners = new Owners(flights, only, () => now);
  return {
    owners,
    flights,
    pass: (ms) => (now += ms),
    call: (owner) => {
      const era = (owner as Partial<Owner>).principal === undefined ? 'legacy' : 'modern';
      const exchange = { era, owner, cancellation: new Cancellation() } as unknown as Exchange;
      owners.saw(exchange);
      return flights.open({ method: 'tools/call', exchange, timeoutMs: 0 }, () => undefined).id;
    },
    end: (id) => void flights.answer({ jsonrpc: '2.0', id, result: {} }),
    giveUp: (id) => {
      const exchange = flights.get(id)?.exchange;
      if (exchange !== undefined) owners.gaveUp(id, exchange);
      flights.fail(id, new Error('given up'));
    },
  };
}

function keyOf(claim: Claim | undefined): string | undefined {
  return claim === undefined ? undefined : ownerOf(claim).key;
}

test('the question of the only client that ever used a link is beyond doubt while it has a call in flight (R9)', () => {
  const { owners, call, end } = linkOf();
  const anne = clientOf('anne');
  const [first, second] = [call(anne), call(anne)];
  assert.equal(keyOf(owners.ofQuestion(undefined)), 'anne');
  end(first);
  assert.equal(keyOf(owners.ofQuestion(undefined)), 'anne');
  end(second);
  assert.equal(owners.ofQuestion(undefined), undefined, 'outside any call');
});

test('with calls of two clients in flight nothing is beyond doubt, question or log message (R9, R10)', () => {
  const { owners, call } = linkOf();
  call(clientOf('anne'));
  call(clientOf('bert'));
  assert.equal(owners.ofQuestion(undefined), undefined);
  assert.equal(owners.ofLog(undefined), undefined);
});

test('a late question of a call that has ended is not taken for one of whoever is in flight now (R9)', () => {
  const { owners, call, end } = linkOf();
  const [anne, bert] = [clientOf('anne'), clientOf('bert')];
  end(call(anne));
  call(bert);
  assert.equal(owners.ofQuestion(undefined), undefined);
  assert.equal(keyOf(owners.ofLog(undefined)), 'bert', 'a log message is no question');
  anne.hasLeft = true;
  assert.equal(keyOf(owners.ofQuestion(undefined)), 'bert', 'nobody else is there to be asked');
});

test('a call that was given up leaves doubt for a minute, for its server may go on with it, or until it is answered (R9)', () => {
  for (const isAnswered of [false, true]) {
    const { owners, call, giveUp, pass } = linkOf();
    const [anne, bert] = [clientOf('anne'), clientOf('bert')];
    const id = call(anne);
    giveUp(id);
    anne.hasLeft = true;
    call(bert);
    pass(MINUTE_MS - 1);
    assert.equal(owners.ofQuestion(undefined), undefined);
    if (isAnswered) owners.answeredLate(id);
    else pass(1);
    assert.equal(keyOf(owners.ofQuestion(undefined)), 'bert');
  }
});

test("a client's own call that it gave up leaves no doubt about its next one", () => {
  const anne = clientOf('anne');
  for (const clients of [
    [anne, anne],
    [exchangeOf('anne'), exchangeOf('anne')],
  ] as const) {
    const { owners, call, giveUp } = linkOf();
    giveUp(call(clients[0]));
    call(clients[1]);
    assert.equal(keyOf(owners.ofQuestion(undefined)), clients[1].key);
  }
});

test('a modern exchange that has ended leaves no doubt about the next one, whoever calls (R9)', () => {
  for (const bert of [exchangeOf('bert'), clientOf('bert'), exchangeOf('anne')]) {
    const { owners, call, end } = linkOf();
    end(call(exchangeOf('anne')));
    call(bert);
    assert.equal(keyOf(owners.ofQuestion(undefined)), bert.key);
  }
});

test('what a call asks together is its own, also where others have used the link (R9)', () => {
  const { owners, flights, call, end } = linkOf();
  end(call(exchangeOf('anne')));
  const bert = exchangeOf('bert');
  call(bert);
  assert.equal(keyOf(owners.ofQuestion(undefined)), bert.key);
  flights.hold(flights.concerned(bert, undefined));
  assert.equal(keyOf(owners.ofQuestion(undefined)), bert.key);
});

test('two exchanges of one caller in flight are two: nothing says which of them a question is about (R9)', () => {
  const { owners, call } = linkOf();
  call(exchangeOf('anne'));
  call(exchangeOf('anne'));
  assert.equal(owners.ofQuestion(undefined), undefined);
});

test('while a call waits for its client, whoever has ever used the link leaves doubt about what is asked next (R9)', () => {
  for (const anne of [exchangeOf('anne'), clientOf('anne')]) {
    const { owners, flights, call, end, pass } = linkOf();
    end(call(anne));
    anne.hasLeft = true;
    pass(10 * MINUTE_MS);
    const bert = exchangeOf('bert');
    const id = call(bert);
    assert.equal(keyOf(owners.ofQuestion(undefined)), bert.key);
    const release = flights.hold(flights.concerned(bert, undefined));
    assert.equal(owners.ofQuestion(undefined), undefined, 'it waits');
    assert.equal(keyOf(owners.ofQuestion(id)), bert.key, 'on its own stream');
    release();
    assert.equal(keyOf(owners.ofQuestion(undefined)), bert.key, 'it goes on');
  }
});

test('while a call waits for the only client that ever used the link, it is asked more', () => {
  const { owners, flights, call, end } = linkOf();
  end(call(exchangeOf('anne')));
  const anne = exchangeOf('anne');
  call(anne);
  flights.hold(flights.concerned(anne, undefined));
  assert.equal(keyOf(owners.ofQuestion(undefined)), anne.key);
});

test('on the stream of a call everything is of that call, others in flight or not (R9)', () => {
  const { owners, call, end } = linkOf();
  const [first, second] = [call(clientOf('anne')), call(clientOf('bert'))];
  assert.equal(keyOf(owners.ofQuestion(first)), 'anne');
  assert.equal(keyOf(owners.ofQuestion(second)), 'bert');
  assert.equal(keyOf(owners.ofLog(second)), 'bert');
  end(first);
  assert.equal(
    owners.ofQuestion(first),
    undefined,
    'what comes on it after its end is nobody else’s',
  );
  assert.equal(owners.ofLog(first), undefined);
});

test('on a link of its own everything is its owner’s, also outside any call (R9)', () => {
  const anne = clientOf('anne');
  const { owners, call, end } = linkOf(anne);
  assert.equal(keyOf(owners.ofQuestion(undefined)), 'anne');
  assert.equal(keyOf(owners.ofLog(99)), 'anne');
  const id = call(anne);
  const claim = owners.ofQuestion(undefined);
  assert.ok(claim !== undefined && 'exchange' in claim, 'within a call it goes to that call');
  end(id);
});

test('thousands of clients that came and left are not remembered as doubts', () => {
  const { owners, call, end } = linkOf();
  for (let count = 0; count < 3000; count += 1) {
    const client = clientOf(`c${count}`);
    end(call(client));
    client.hasLeft = true;
  }
  call(clientOf('last'));
  assert.equal(keyOf(owners.ofQuestion(undefined)), 'last');
});

test('clients that have left are not kept, however many come and go', () => {
  const { owners, call, end } = linkOf();
  const stays = clientOf('stays');
  end(call(stays));
  for (let turn = 0; turn < 5_000; turn += 1) {
    const guest = clientOf(`guest ${turn}`);
    end(call(guest));
    guest.hasLeft = true;
    assert.ok(owners.size <= 100, `${owners.size} are kept after ${turn} have left`);
  }
  call(clientOf('asks'));
  assert.equal(owners.ofQuestion(undefined), undefined, 'the one that stays is still there');
});

test('many clients that stay are not looked through with every call', () => {
  const { owners, call, end } = linkOf();
  let looks = 0;
  const many = Array.from({ length: 5_000 }, (_, index) =>
    Object.defineProperty({ key: `client ${index}` }, 'hasLeft', {
      get: () => {
        looks += 1;
        return false;
      },
    }),
  ) as Client[];
  for (const client of many) end(call(client));
  for (const client of many) end(call(client));
  assert.equal(owners.size, 5_000);
  assert.ok(looks < 20_000, `${looks} looks in 10,000 calls`);
});
