import { integer, Setting } from '../config/setting';

export class SubgraphsConfig {
  @Setting('SUBGRAPH_EXPIRY_SECONDS', integer({ min: 1 }), 'seconds between two looks for subgraphs whose time is over')
  readonly expirySeconds: number = 60;
}
