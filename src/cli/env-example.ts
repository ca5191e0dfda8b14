import type { ConfigClass } from '../config/load-config';
import { settingsOf } from '../config/setting';

/** The text of `.env.example`: every setting with its meaning and its default, as a comment to take the # from. */
export function envExample(classes: ConfigClass[]): string {
  const lines = [
    '# Settings of Graphstead, all optional. Copy this file to .env, or set them in the environment, which goes first.',
    '# Generated from the config classes: npm run env:example',
  ];
  for (const configClass of classes) {
    const settings = settingsOf(configClass);
    if (settings.length === 0) continue;
    const defaults = new configClass() as Record<string, unknown>;
    lines.push('', `# --- ${configClass.name.replace(/Config$/, '')} ---`);
    for (const { env, property, description, defaultText } of settings) {
      lines.push(
        `# ${description}${defaultText ? ` (default: ${defaultText})` : ''}`,
        `#${env}=${textOf(defaults[property])}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
