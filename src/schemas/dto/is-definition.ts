import { registerDecorator } from 'class-validator';

const LONGEST = 1_000_000;

/** An object, or a text of at most a million characters that holds one; what is in it is `readDefinition`'s to say. */
export function IsDefinition(): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isDefinition',
      target: target.constructor,
      propertyName: property as string,
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string'
            ? value.length <= LONGEST
            : typeof value === 'object' && value !== null && !Array.isArray(value),
        defaultMessage: () => `must be an object, or a text of at most ${LONGEST} characters`,
      },
    });
}
