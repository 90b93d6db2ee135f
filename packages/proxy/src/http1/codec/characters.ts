/** Byte classes of RFC 9110 section 5.6 and RFC 9112, as tables: one load tells whether a byte may stand where it stands. */

export const HT = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

function table(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0));
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isAlpha = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** tchar: what a method or a field name is made of (RFC 9110 section 5.6.2). */
export const TOKEN = table(
  (byte) => isDigit(byte) || isAlpha(byte) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte)),
);

/** What a field value or a reason phrase is made of: HTAB, SP, VCHAR, obs-text. No other control byte, no DEL. */
export const FIELD_VALUE = table((byte) => byte === HT || (byte >= SP && byte !== 0x7f));

/**
 * What a request target is made of: VCHAR, and bytes above 0x7f, which RFC 3986 does not allow but which clients
 * send unescaped; they cannot be read as framing by anyone, and refusing them would break workloads.
 */
export const TARGET = table((byte) => byte > SP && byte !== 0x7f);

/** What a host name is made of: reg-name (RFC 3986 section 3.2.2). */
export const NAME = table(
  (byte) => isDigit(byte) || isAlpha(byte) || "-._~!$&'()*+;=%".includes(String.fromCharCode(byte)),
);

/** What stands between the brackets of an IP literal. */
export const ADDRESS = table(
  (byte) => isDigit(byte) || isAlpha(byte) || ":.-_~%".includes(String.fromCharCode(byte)),
);

/** The value of a hexadecimal digit, or 255. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (isDigit(byte)) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 255;
});
