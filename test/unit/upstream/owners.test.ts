import assert from 'node:assert/strict';
import test from 'node:test';
import { Cancellation, type Exchange, type Owner } from '../../../src/kernel/exchange.ts';
import { Flights } from '../../../src/upstream/flights.ts';
import { Owners, ownerOf, type Claim } from '../../../src/upstream/owners.ts';

interface Client extends Owner {
  hasLeft: boolean;
}

function clientOf(key: string): Client {
  return { key, hasLeft: false } as Client;
}

/** A link of clients, with the calls they have in flight. */
function linkOf(only?: Owner): {
  owners: Owners;
  call(owner: Owner): number;
  end(id: number): void;
} {
  const flights = new Flights(() => undefined);
  const owners = new Owners(flights, only);
  return {
    owners,
    call: (owner) => {
      owners.saw(owner);
      const exchange = { owner, cancellation: new Cancellation() } as unknown as Exchange;
      return flights.open({ method: 'tools/call', exchange, timeoutMs: 0 }, () => undefined).id;
    },
    end: (id) => void flights.answer({ jsonrpc: '2.0', id, result: {} }),
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

test('a call that was given up leaves doubt for good, for its server may go on with it (R9)', () => {
  const { owners, call, end } = linkOf();
  const [anne, bert] = [clientOf('anne'), clientOf('bert')];
  end(call(anne));
  owners.gaveUp(anne);
  anne.hasLeft = true;
  const id = call(bert);
  assert.equal(owners.ofQuestion(undefined), undefined);
  end(id);
});

test("a client's own call that it gave up leaves no doubt about its next one", () => {
  const { owners, call } = linkOf();
  const anne = clientOf('anne');
  owners.gaveUp(anne);
  call(anne);
  assert.equal(keyOf(owners.ofQuestion(undefined)), 'anne');
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
