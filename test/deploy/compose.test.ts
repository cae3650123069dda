import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

interface Service {
  build: { context: string; dockerfile: string };
  environment: Record<string, string | number>;
  ports: string[];
  volumes: string[];
  healthcheck: Record<string, unknown>;
  [key: string]: unknown;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const folder = fileURLToPath(new URL('../../deploy/', import.meta.url));
const compose = parse(readFileSync(`${folder}compose.yaml`, 'utf8')) as Compose;
const dockerfile = readFileSync(`${folder}Dockerfile`, 'utf8');

describe('deploy/compose.yaml', () => {
  const service = compose.services['mcpx'];
  assert.ok(service);

  test('runs the gateway with no more rights than it needs', () => {
    assert.equal(service['read_only'], true);
    assert.deepEqual(service['cap_drop'], ['ALL']);
    assert.equal(service['cap_add'], undefined);
    assert.deepEqual(service['security_opt'], ['no-new-privileges:true']);
    assert.notEqual(service['privileged'], true);
    assert.equal(service['user'], undefined, 'the image says which user, and it is not root');
    assert.ok(Number(service['pids_limit']) > 0);
  });

  test('gives it all the places to write that it has, and reaps what its servers leave behind', () => {
    assert.ok(service.volumes.includes('data:/data'));
    assert.match(String(service['tmpfs']), /^\/tmp(:|$)/);
    assert.equal(service['init'], true);
  });

  test('is published on the loopback of the host alone, to every port the gateway listens on', () => {
    assert.equal(service['network_mode'], undefined);
    assert.equal(service.environment['MCPX_HOST'], '0.0.0.0');
    const inside = service.ports.map((port) => {
      const [, target] = /^127\.0\.0\.1:\$\{\w+:-\d+\}:(\d+)$/.exec(port) ?? [];
      assert.ok(target, port);
      return Number(target);
    });
    const { MCPX_PORT, SERVE_METRICS_PORT } = service.environment;
    assert.deepEqual(inside, [MCPX_PORT, SERVE_METRICS_PORT]);
  });

  test('does not start without a key, and says how to make one', () => {
    assert.match(String(service.environment['API_KEY']), /^\$\{API_KEY:\?.*openssl rand.*\}$/);
  });

  test("keeps the image's own health check", () => {
    assert.match(dockerfile, /^HEALTHCHECK /m);
    assert.deepEqual(Object.keys(service.healthcheck).sort(), [
      'interval',
      'retries',
      'start_period',
      'timeout',
    ]);
  });

  test('names only paths that exist and volumes that are declared', () => {
    const { context, dockerfile: file } = service.build;
    assert.ok(existsSync(`${folder}${context}/${file}`));
    for (const volume of service.volumes) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) assert.ok(existsSync(`${folder}${source}`), source);
      else assert.ok(Object.hasOwn(compose.volumes, source), source);
    }
  });

  test('brings a configuration to start with', () => {
    const servers = JSON.parse(readFileSync(`${folder}config/mcp.json`, 'utf8')) as object;
    assert.deepEqual(Object.keys(servers), ['mcpServers']);
    assert.deepEqual(parse(readFileSync(`${folder}config/app.yaml`, 'utf8')), {
      auth: { enabled: true },
    });
  });
});
