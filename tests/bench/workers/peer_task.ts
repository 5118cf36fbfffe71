/** What piscina and tinypool run. */

export default function nothing(): void {}
