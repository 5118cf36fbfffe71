/**
 * Forms as they are sent: `multipart/form-data` (RFC 7578), as the HTML standard has it.
 *
 * @module
 */

/** A form as one blob: its files are referred to, not copied, and its size is known before it is sent. */
export function formBlob(form: FormData): Blob {
  const boundary = `----ballast-${crypto.randomUUID()}`;
  const parts: BlobPart[] = [];
  for (const [name, value] of form) {
    const disposition = `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(lines(name))}"`;
    if (typeof value === "string") {
      parts.push(`${disposition}\r\n\r\n${lines(value)}\r\n`);
    } else {
      const type = value.type || "application/octet-stream";
      parts.push(
        `${disposition}; filename="${quoted(value.name)}"\r\ncontent-type: ${type}\r\n\r\n`,
        value,
        "\r\n",
      );
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` });
}

/** Line ends of names and texts are CRLF, whatever they were. */
function lines(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

function quoted(text: string): string {
  return text.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");
}
