import { Text } from '../../common/text';

export class SuspendGraphDto {
  /** Shown to everybody who may see the graph. */
  @Text({ max: 500, trim: true })
  reason: string;
}
