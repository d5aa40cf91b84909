/** The people of the organisation: list, invite, change, suspend, delete. For administrators. */
import { Button, Center, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { UserRoundPlus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { peopleQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { InvitePerson } from "./InvitePerson";
import { Classes } from "./classes";
import { PeopleTable } from "./PeopleTable";

/** The page `/people`. */
export default function PeoplePage() {
  return (
    <OnlyFrom least="administrator">
      <People />
    </OnlyFrom>
  );
}

function People() {
  const { t } = useTranslation(["people", "common"]);
  const user = useRouteContext({ from: "/signed-in", select: (context) => context.session.user });
  const [inviting, { open, close }] = useDisclosure(false);
  const people = useInfiniteQuery(peopleQuery);
  const shown = people.data?.pages.flatMap(({ users }) => users) ?? [];
  return (
    <>
      <PageHeader title={t("title")} description={t("description")}>
        <Button leftSection={<UserRoundPlus size={16} aria-hidden />} onClick={open}>
          {t("invite")}
        </Button>
      </PageHeader>
      <FormFailure error={people.error} />
      {people.isPending && <Loading />}
      {shown.length > 0 && <PeopleTable people={shown} user={user} now={people.dataUpdatedAt} />}
      {people.isSuccess && shown.length === 1 && !people.hasNextPage && (
        <Text c="dimmed" mt="sm">
          {t("alone")}
        </Text>
      )}
      {people.hasNextPage && (
        <Center mt="md">
          <Button
            variant="default"
            loading={people.isFetchingNextPage}
            onClick={() => {
              void people.fetchNextPage();
            }}
          >
            {t("showMore")}
          </Button>
        </Center>
      )}
      <Classes />
      <InvitePerson own={user.role} opened={inviting} onClose={close} />
    </>
  );
}
