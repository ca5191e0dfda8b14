// `npm start`: prepares the checkout, then becomes the platform (in this same process, so that signals reach it).
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
await import(pathToFileURL(join(root, 'dist', 'src', 'main.js')).href);
