import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Text } from './text';

class Sample {
  @Text({ max: 10, trim: true }) name: string;
  @Text({ max: 10, each: true }) tags: string[] = [];
  @Text({ max: 50, multiline: true }) note: string = 'n';
}

/** The messages of all broken rules. */
function problems(plain: object): string[] {
  return validateSync(plainToInstance(Sample, plain)).flatMap((error) => Object.values(error.constraints ?? {}));
}

describe('Text', () => {
  it.each([
    ['a null byte', 'a\u0000b', 'name must not contain control characters'],
    ['a line feed in one line', 'a\nb', 'name must not contain control characters'],
    ['a lone high surrogate', 'a\ud83d', 'name must be well-formed Unicode'],
    ['a lone low surrogate', '\ude00a', 'name must be well-formed Unicode'],
    ['only blanks', '   ', 'name must not be empty'],
    ['too long a text', 'x'.repeat(11), 'name must have at most 10 characters'],
    ['a number', 5, 'name must be a text'],
    ['an object', { $ne: 1 }, 'name must be a text'],
  ])('refuses %s', (_what, name, message) => {
    expect(problems({ name })).toEqual([message]);
  });

  it('lets letters of every script and whole pairs pass, without the blanks around them', () => {
    expect(problems({ name: ' Żółć 😀 ' })).toEqual([]);
    expect(plainToInstance(Sample, { name: ' a ' }).name).toBe('a');
  });

  it('names the first bad item of an array', () => {
    expect(problems({ name: 'a', tags: ['ok', 'b\u0000'] })).toEqual([
      'tags must not contain control characters (item 1)',
    ]);
  });

  it('allows layout, but nothing else, in several lines', () => {
    expect(problems({ name: 'a', note: 'one\r\n\ttwo' })).toEqual([]);
    expect(problems({ name: 'a', note: 'one\u001b[31m' })).toEqual(['note must not contain control characters']);
  });
});
