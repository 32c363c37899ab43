/** What the bundles need not hold of the packages in them. */
import { readFileSync } from 'node:fs';

/**
 * Of marked only the lexer is used. Its module makes a parser of its own as it is loaded, so that nothing else would ever
 * fall away: these last statements are left out.
 */
const READY_MADE = /var \w+=new \w+;function (\w+)\([^]*?\1\.parse=\1;[^]*?(?=export\{)/;
const LEXER = /(\w+) as Lexer\b/;

export const lean = {
  name: 'lean',
  setup({ onLoad }) {
    onLoad({ filter: /marked\.esm\.js$/ }, ({ path }) => {
      const whole = readFileSync(path, 'utf8');
      const rest = whole.replace(READY_MADE, '');
      const lexer = whole.match(LEXER)?.[1];
      if (rest === whole || !lexer) throw new Error(`${path} is written differently now: see lean.mjs`);
      return { contents: rest.replace(/export\{[^]*/, `export{${lexer} as Lexer};`) };
    });
  }
};
