import { Injectable } from '@nestjs/common';

type Cleanup = (graphId: string) => Promise<void>;

/** Where features that keep something for a graph say how it is removed, so that `graphs` need not know them. */
@Injectable()
export class GraphDeletion {
  private readonly cleanups: Cleanup[] = [];

  /** `cleanup` may run more than once for a graph. */
  register(cleanup: Cleanup): void {
    this.cleanups.push(cleanup);
  }

  async cleanUp(graphId: string): Promise<void> {
    for (const cleanup of this.cleanups) await cleanup(graphId);
  }
}
