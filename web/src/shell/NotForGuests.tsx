/** What guests see at the address of a page that is not for them; the shell fetches it when it is wanted. */
import { OnlyFrom } from "./OnlyFrom";

/** Says so in the place of the page. */
export default function NotForGuests() {
  return <OnlyFrom least="viewer">{null}</OnlyFrom>;
}
