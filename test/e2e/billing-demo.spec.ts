import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const DEMO = join(__dirname, '..', '..', 'dist', 'src', 'demo', 'demo-main.js');

const LINES = [
  'until then it is pending_payment',
  'an event with a wrong signature is answered 400',
  'paid: three signed events, each sent twice',
  'the subscription is active, with 1 graph',
  'its limits are those of ladybug-large, and Stripe collects price_large',
  'the graph is suspended, Stripe collects no more: ',
  'answered 402',
  'the graph is deleted; its last backup is completed',
];
/** Of the audit log, in this order. */
const AUDITED = [
  'subscription.created',
  'subscription.paid',
  'subscription.activated',
  'subscription.plan_changed',
  'subscription.canceled',
  'graph.suspended',
  'graph.deprovisioning_requested',
  'graph.deprovisioned',
];

describe('the demo with --billing', () => {
  it('walks from an order to a running graph and to its end, each step once', async () => {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [DEMO, '--billing'], {
      env: { PATH, HOME },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    const [code] = (await once(child, 'close')) as [number];
    for (const line of LINES) expect(output).toContain(line);
    expect(code).toBe(0);
    const audited = [...output.matchAll(/Z {2}(\S+) {2}success/g)].map(([, action]) => action);
    expect(audited.filter((action) => AUDITED.includes(action))).toEqual(AUDITED);
  }, 300_000);
});
