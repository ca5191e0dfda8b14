import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';

export const STRIPE_SECRET = 'whsec_demo';
const MONTH_SECONDS = 2_592_000;

/** Takes no money: answers the calls that the platform makes to Stripe, and sends the events that Stripe would, signed as it does. */
export class StripeStandIn {
  /** Price of the one subscription that the demo makes. */
  price = '';
  ended = false;
  private subscriptionId = '';
  private events = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<StripeStandIn> {
    const server = createServer();
    const standIn = new StripeStandIn(server);
    server.on('request', (request: IncomingMessage, reply) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        reply.setHeader('content-type', 'application/json');
        reply.end(JSON.stringify(standIn.answer(request, new URLSearchParams(body))));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /** What Stripe sends when the order is paid; it promises no order, and may send each more than once. */
  paid(): object[] {
    const metadata = { subscription_id: this.subscriptionId };
    const now = Math.floor(Date.now() / 1_000);
    const invoice = {
      id: 'in_demo',
      object: 'invoice',
      status: 'paid',
      number: 'DEMO-1',
      amount_due: 4_900,
      amount_paid: 4_900,
      currency: 'usd',
      created: now,
      period_start: now,
      period_end: now + MONTH_SECONDS,
      due_date: null,
      status_transitions: { paid_at: now },
      hosted_invoice_url: null,
      invoice_pdf: null,
      parent: { type: 'subscription_details', subscription_details: { subscription: 'sub_demo', metadata } },
      lines: { data: [] },
    };
    const session = {
      id: 'cs_demo',
      object: 'checkout.session',
      payment_status: 'paid',
      subscription: 'sub_demo',
      customer: 'cus_demo',
      metadata,
    };
    return [
      this.event('invoice.paid', invoice),
      this.event('checkout.session.completed', session),
      this.event('customer.subscription.updated', this.subscription()),
    ];
  }

  /** The status that the platform answers with. */
  async send(platform: string, event: object, secret = STRIPE_SECRET): Promise<number> {
    const payload = JSON.stringify(event, null, 2);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret });
    const answer = await fetch(new URL('/admin/v1/webhooks/stripe', platform), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body: payload,
    });
    await answer.text();
    return answer.status;
  }

  private event(type: string, object: object): object {
    this.events += 1;
    const created = Math.floor(Date.now() / 1_000);
    return { id: `evt_demo_${this.events}`, object: 'event', type, created, data: { object } };
  }

  private answer({ method, url }: IncomingMessage, form: URLSearchParams): object {
    if (url?.endsWith('/checkout/sessions')) {
      this.price = form.get('line_items[0][price]') ?? '';
      this.subscriptionId = form.get('metadata[subscription_id]') ?? '';
      return { id: 'cs_demo', object: 'checkout.session', url: `${this.url}/pay` };
    }
    this.price = form.get('items[0][price]') ?? this.price;
    if (method === 'DELETE') this.ended = true;
    return this.subscription();
  }

  private subscription(): object {
    const start = Math.floor(Date.now() / 1_000);
    const item = {
      id: 'si_demo',
      object: 'subscription_item',
      price: { id: this.price, object: 'price' },
      current_period_start: start,
      current_period_end: start + MONTH_SECONDS,
    };
    return {
      id: 'sub_demo',
      object: 'subscription',
      status: this.ended ? 'canceled' : 'active',
      metadata: { subscription_id: this.subscriptionId },
      ended_at: this.ended ? start : null,
      items: { object: 'list', data: [item] },
    };
  }
}
