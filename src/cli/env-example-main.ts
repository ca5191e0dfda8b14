import { writeFileSync } from 'node:fs';
import { CONFIG_CLASSES } from '../app.module';
import { envExample } from './env-example';

writeFileSync('.env.example', envExample(CONFIG_CLASSES));
