export function packDeb() {
  return []
}
