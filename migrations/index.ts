import { Platform1764000000000 } from './1764000000000-platform';
import { Access1764000100000 } from './1764000100000-access';
import { OrgEvents1764000200000 } from './1764000200000-org-events';

/** Every migration, oldest first. */
export const MIGRATIONS = [Platform1764000000000, Access1764000100000, OrgEvents1764000200000];
