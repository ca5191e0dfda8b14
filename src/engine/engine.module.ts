import { Module } from '@nestjs/common';
import { Confinement } from './confinement';
import { EngineConfig } from './engine.config';
import { GraphEngine } from './graph-engine';
import { LadybugEngine } from './ladybug/ladybug-engine';

/** The graph engine, and the sandbox that other child processes (staging) use as well. Needs `EngineConfig` and `PlatformConfig`. */
@Module({
  providers: [
    {
      provide: Confinement,
      inject: [EngineConfig],
      useFactory: (config: EngineConfig) => Confinement.probe(config.confinement),
    },
    { provide: GraphEngine, useClass: LadybugEngine },
  ],
  exports: [GraphEngine, Confinement],
})
export class EngineModule {}
