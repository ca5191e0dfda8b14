import { settingsOf } from './setting';

export type Environment = Readonly<Record<string, string | undefined>>;
export type ConfigClass<T extends object = object> = new () => T;

/** The environment holds settings that cannot be used; `problems` has one line for each, with what to do. */
export class InvalidSettings extends Error {
  constructor(readonly problems: string[]) {
    super(`Settings cannot be used:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  }
}

/** Reads one config class from the environment. An absent or empty variable leaves the default. Throws {@link InvalidSettings}. */
export function loadConfig<T extends object>(configClass: ConfigClass<T>, environment: Environment): T {
  const config = new configClass();
  const problems: string[] = [];
  for (const { property, env, parse, description } of settingsOf(configClass)) {
    const value = environment[env];
    if (value === undefined || value === '') continue;
    try {
      Object.assign(config, { [property]: parse(value) });
    } catch (error) {
      const found = /secret|password|database_url|headers/i.test(env) ? 'its value' : `"${value}"`;
      problems.push(`${env}: ${found} ${(error as Error).message}. Set it right or remove it (${description}).`);
    }
  }
  if (problems.length > 0) throw new InvalidSettings(problems);
  return config;
}

/** Reads several config classes and reports the problems of all of them at once. */
export function loadConfigs(classes: ConfigClass[], environment: Environment): Map<ConfigClass, object> {
  const configs = new Map<ConfigClass, object>();
  const problems: string[] = [];
  for (const configClass of classes) {
    try {
      configs.set(configClass, loadConfig(configClass, environment));
    } catch (error) {
      if (!(error instanceof InvalidSettings)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new InvalidSettings(problems);
  return configs;
}
