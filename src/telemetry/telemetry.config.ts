import { Setting, text } from '../config/setting';

export class TelemetryConfig {
  @Setting(
    'METRICS_TOKEN',
    text(),
    'bearer token with which a collector may read /metrics',
    "none: operators' credentials only",
  )
  readonly metricsToken?: string = undefined;
}
