import { Injectable, Logger } from '@nestjs/common';

/** Begins loading the files of a graph that were sent to be ingested and are staged; nothing where it must wait. */
type Begin = (graphId: string) => Promise<void>;

/** Where `materialization` says how staged files get into their graph, so that `staging` need not know it. */
@Injectable()
export class Ingestion {
  private readonly logger = new Logger(Ingestion.name);
  private beginLoading?: Begin;

  register(begin: Begin): void {
    this.beginLoading = begin;
  }

  /** Never fails: what could not begin now is begun by a sensor. */
  async begin(graphId: string): Promise<void> {
    try {
      await this.beginLoading?.(graphId);
    } catch (error) {
      this.logger.warn(`Files of ${graphId} are not ingested yet: ${(error as Error).message}`);
    }
  }
}
