/** Node.js methods of Buffer that its type package leaves out: the fast way between bytes and binary strings. */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}
