import { Platform1764000000000 } from './1764000000000-platform';
import { Access1764000100000 } from './1764000100000-access';

/** Every migration, oldest first. */
export const MIGRATIONS = [Platform1764000000000, Access1764000100000];
