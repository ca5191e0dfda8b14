import { All, Controller } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Requires } from '../auth/requires';
import { NotImplementedYet } from '../common/not-implemented';

const OF_A_GRAPH = ['subscriptions'];

/** Parts of the wire contract that are not there yet: they say so, instead of pretending not to exist. */
@ApiExcludeController()
@Controller('v1')
export class NotYetController {
  @All(OF_A_GRAPH.map((path) => `graphs/:graph_id/${path}`))
  @Requires('graph:viewer', { scope: 'read' })
  ofGraph(): never {
    throw new NotImplementedYet('This part of the graph API');
  }

  @All(['offering', 'billing/*'])
  @Requires('user', { scope: 'read' })
  ofPlatform(): never {
    throw new NotImplementedYet('This part of the API');
  }
}
