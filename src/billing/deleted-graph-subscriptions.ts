import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { Transactor } from '../database/transactor';
import { GraphDeletion } from '../graphs/graph-deletion';
import { SubscriptionsRepository } from './subscriptions.repository';
import { SubscriptionsService } from './subscriptions.service';

/** Nobody goes on paying for a graph that is deleted: its subscription ends with it. */
@Injectable()
export class DeletedGraphSubscriptions implements OnModuleInit {
  constructor(
    private readonly deletion: GraphDeletion,
    private readonly transactor: Transactor,
    private readonly rows: SubscriptionsRepository,
    private readonly subscriptions: SubscriptionsService,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.deletion.register((graphId) => this.end(graphId));
  }

  private async end(graphId: string): Promise<void> {
    await this.transactor.run(async (em) => {
      const now = this.clock.now();
      for (const id of await this.rows.liveOfGraph(em, graphId)) {
        await this.subscriptions.cancel(em, id, { endsAt: now, details: { reason: 'the graph was deleted' } });
      }
    });
  }
}
