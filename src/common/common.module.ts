import { Global, Module } from '@nestjs/common';
import { Clock } from './clock';
import { Ids } from './ids';

/** What everything may need: time and ids, injected so that tests can choose them. */
@Global()
@Module({ providers: [Clock, Ids], exports: [Clock, Ids] })
export class CommonModule {}
