/** The devices: filters, a list that loads as one scrolls, adding, changing many, and CSV. Only editors change them. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useRouteContext, useSearch } from "@tanstack/react-router";
import { Cpu, Download, Plus, SearchX, Shapes, Upload } from "lucide-react";
import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { devicesQuery, deviceTypesQuery } from "@/api/queries";
import { isEditor, isGuest } from "@/api/roles";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { NothingShared } from "@/shell/NothingShared";
import { PageHeader } from "@/shell/PageHeader";
import { AddDevice } from "./AddDevice";
import { Chosen } from "./Chosen";
import classes from "./devices.module.css";
import { DeviceTable } from "./DeviceTable";
import { Filters } from "./Filters";
import { ImportDevices } from "./ImportDevices";
import { csvAddress, isFiltered, validateSearch } from "./search";
import { useChoice } from "./useChoice";

/** The page `/devices`. */
export default function DevicesPage() {
  const { t } = useTranslation("devices");
  // The router leaves what is not understood in the search parameters.
  const filters = validateSearch({ ...useSearch({ from: "/signed-in/devices" }) });
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const [adding, add] = useDisclosure(false);
  const [importing, bring] = useDisclosure(false);
  const list = useInfiniteQuery({ ...devicesQuery(filters), placeholderData: keepPreviousData });
  const seesOnlyShared = isGuest(role);
  const types = useQuery({ ...deviceTypesQuery, enabled: !seesOnlyShared });
  const { data, hasNextPage, isFetching, isFetchingNextPage, isPlaceholderData, fetchNextPage } = list;
  const devices = useMemo(() => data?.pages.flatMap((page) => page.devices) ?? [], [data]);
  const hasMore = hasNextPage && !isPlaceholderData;
  // After a failure, only when somebody asks for it.
  const mayAsk = hasMore && !isFetching && !list.isFetchNextPageError;
  const wantMore = useCallback(() => {
    // Effects of the table come before those that tell the query what the list is now about; all of them come before this.
    if (mayAsk) queueMicrotask(() => void fetchNextPage());
  }, [mayAsk, fetchNextPage]);
  const mayChange = isEditor(role);
  const { choice, chosen, clear, chooseAll, isChoosingAll } = useChoice(list, devices, JSON.stringify(filters));
  const isEmpty = data !== undefined && devices.length === 0 && !isFiltered(filters);
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        {!seesOnlyShared && (
          <Button
            variant="default"
            leftSection={<Shapes size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/devices/types" {...props} />}
          >
            {t("types")}
          </Button>
        )}
        {data !== undefined && !isEmpty && !seesOnlyShared && (
          <Button
            component="a"
            href={csvAddress(filters)}
            download="sensorium-devices.csv"
            variant="default"
            leftSection={<Download size={16} aria-hidden />}
          >
            {t("csv")}
          </Button>
        )}
        {mayChange && (
          <>
            <Button variant="default" leftSection={<Upload size={16} aria-hidden />} onClick={bring.open}>
              {t("import")}
            </Button>
            <Button leftSection={<Plus size={16} aria-hidden />} onClick={add.open}>
              {t("add")}
            </Button>
          </>
        )}
      </PageHeader>
      {!isEmpty && <Filters filters={filters} types={seesOnlyShared ? null : (types.data ?? [])} />}
      <FormFailure error={list.error ?? types.error} />
      {list.isPending && <Loading />}
      {isEmpty && seesOnlyShared && <NothingShared />}
      {isEmpty && !seesOnlyShared && (
        <EmptyState icon={Cpu} title={t("none")} description={t(mayChange ? "noneWhy" : "noneViewer")}>
          <Link to="/device-code">{t("deviceCode")}</Link>
        </EmptyState>
      )}
      {data !== undefined && !isEmpty && (
        <>
          {devices.length === 0 ? (
            list.error === null && (
              <EmptyState icon={SearchX} title={t("noMatch")} description={t("noMatchWhy")}>
                <Link to="/devices">{t("clear")}</Link>
              </EmptyState>
            )
          ) : (
            <DeviceTable
              devices={devices}
              filters={filters}
              now={list.dataUpdatedAt}
              isStale={isPlaceholderData}
              hasMore={hasMore}
              onWantMore={wantMore}
              choice={mayChange ? choice : null}
            />
          )}
          {isFetchingNextPage && <Loading />}
          {list.isFetchNextPageError && (
            <Button variant="default" onClick={() => void fetchNextPage()}>
              {t("more")}
            </Button>
          )}
          {mayChange && chosen.length > 0 && (
            <Chosen
              devices={chosen}
              onChooseAll={hasMore ? chooseAll : undefined}
              isLoading={isChoosingAll}
              onClear={clear}
            />
          )}
        </>
      )}
      <AddDevice opened={adding} onClose={add.close} />
      <ImportDevices opened={importing} onClose={bring.close} />
    </div>
  );
}
