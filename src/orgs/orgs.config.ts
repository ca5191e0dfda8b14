import { integer, Setting } from '../config/setting';

export class OrgsConfig {
  @Setting('GRAPHS_PER_ORG', integer({ min: 1 }), 'graphs that one organisation may have, subgraphs not counted')
  readonly maxGraphs: number = 100;
}
