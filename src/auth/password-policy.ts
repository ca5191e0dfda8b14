/** What a password must be, as told by `GET /v1/auth/password/policy`. */
export const PASSWORD_POLICY = {
  min_length: 12,
  max_length: 128,
  min_unique_characters: 8,
  /** Of lower case, upper case, digits and others. */
  min_character_types: 3,
  /** From this length on, the kinds of characters do not matter. */
  passphrase_length: 20,
  min_score: 60,
} as const;

export interface PasswordCheck {
  is_valid: boolean;
  strength: 'very weak' | 'weak' | 'fair' | 'good' | 'strong';
  /** 0 to 100. */
  score: number;
  /** Rules that it breaks. */
  errors: string[];
  suggestions: string[];
  character_types: { lowercase: boolean; uppercase: boolean; digits: boolean; special: boolean };
}

/** The commonest beginnings of guessed passwords, letters only. */
const COMMON = [
  'password',
  'passwort',
  'qwerty',
  'azerty',
  'letmein',
  'welcome',
  'iloveyou',
  'administrator',
  'changeme',
];
const LEET: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};
const STRENGTHS = ['very weak', 'weak', 'fair', 'good', 'strong'] as const;

/** Judges a password; `known` are words about its owner (email, name) that it may not contain. */
export function checkPassword(password: string, known: string[] = []): PasswordCheck {
  const types = {
    lowercase: /\p{Ll}/u.test(password),
    uppercase: /\p{Lu}/u.test(password),
    digits: /\p{Nd}/u.test(password),
    special: /[^\p{L}\p{Nd}]/u.test(password),
  };
  const typeCount = Object.values(types).filter(Boolean).length;
  const length = [...password].length;
  const unique = new Set(password).size;
  const lower = password.toLowerCase();
  const plain = [...lower].map((character) => LEET[character] ?? character).join('');
  const common = COMMON.find((word) => plain.includes(word) && length - word.length < PASSWORD_POLICY.min_length - 2);
  const own = known.flatMap(wordsOf).find((word) => lower.includes(word));
  const run = longestRun(lower);

  const policy = PASSWORD_POLICY;
  const errors: string[] = [];
  if (length < policy.min_length) errors.push(`must have at least ${policy.min_length} characters`);
  if (password.length > policy.max_length) errors.push(`must have at most ${policy.max_length} characters`);
  if (unique < policy.min_unique_characters) {
    errors.push(`must have at least ${policy.min_unique_characters} different characters`);
  }
  if (typeCount < policy.min_character_types && length < policy.passphrase_length) {
    errors.push(
      `must mix ${policy.min_character_types} of lower case, upper case, digits and other characters, ` +
        `or have ${policy.passphrase_length} characters`,
    );
  }
  if (common) errors.push(`must not be built on "${common}"`);
  if (own) errors.push(`must not contain "${own}" from your name or email`);

  const penalty = (common ? 40 : 0) + (own ? 40 : 0) + Math.max(0, run - 3) * 5;
  const raw = Math.min(length, 24) * 2.5 + Math.min(unique, 16) + typeCount * 6 - penalty;
  const score = Math.max(0, Math.min(100, Math.round(raw)));
  if (errors.length === 0 && score < policy.min_score) errors.push('is too easy to guess');
  return {
    is_valid: errors.length === 0,
    strength: STRENGTHS[Math.min(4, Math.floor(score / 20))],
    score,
    errors,
    suggestions: suggestionsFor({ errors: errors.length, length, typeCount, run }),
    character_types: types,
  };
}

function suggestionsFor(found: { errors: number; length: number; typeCount: number; run: number }): string[] {
  const suggestions: string[] = [];
  if (found.length < 16) suggestions.push('Make it longer: four or five unrelated words are easy to remember.');
  if (found.typeCount < 3 && found.errors > 0)
    suggestions.push('Mix upper and lower case, digits and other characters.');
  if (found.run > 3) suggestions.push('Avoid sequences such as "abcd", "1234" and "aaaa".');
  return suggestions;
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{Nd}]+/u)
    .filter((word) => word.length >= 4);
}

/** Length of the longest run of equal or consecutive characters. */
function longestRun(text: string): number {
  let longest = 0;
  for (const step of [-1, 0, 1]) {
    let run = 1;
    for (let i = 1; i < text.length; i += 1) {
      run = text.charCodeAt(i) - text.charCodeAt(i - 1) === step ? run + 1 : 1;
      longest = Math.max(longest, run);
    }
  }
  return longest;
}
