import { All, Controller } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Requires } from '../auth/requires';
import { NotImplementedYet } from '../common/not-implemented';

/** Parts of the wire contract that are not there yet: they say so, instead of pretending not to exist. */
@ApiExcludeController()
@Controller('v1')
export class NotYetController {
  @All(['offering'])
  @Requires('user', { scope: 'read' })
  ofPlatform(): never {
    throw new NotImplementedYet('This part of the API');
  }
}
