/** The devices: filters, a page at a time, adding, and many at once as CSV. Only editors change them. */
import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useRouteContext, useSearch } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight, Cpu, Download, Plus, SearchX, Shapes, Upload } from "lucide-react";
import { useTranslation } from "react-i18next";
import { devicesQuery, deviceTypesQuery } from "@/api/queries";
import { isEditor } from "@/api/roles";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { AddDevice } from "./AddDevice";
import classes from "./devices.module.css";
import { DeviceTable } from "./DeviceTable";
import { Filters } from "./Filters";
import { ImportDevices } from "./ImportDevices";
import { csvAddress, filtersOf, isFiltered, validateSearch } from "./search";

/** The page `/devices`. */
export default function DevicesPage() {
  const { t } = useTranslation("devices");
  // The router leaves what is not understood in the search parameters.
  const search = validateSearch({ ...useSearch({ from: "/signed-in/devices" }) });
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const [adding, add] = useDisclosure(false);
  const [importing, bring] = useDisclosure(false);
  const filters = filtersOf(search);
  const page = useQuery({ ...devicesQuery(search), placeholderData: keepPreviousData });
  const types = useQuery(deviceTypesQuery);
  const next = page.isPlaceholderData ? null : (page.data?.next ?? null);
  const mayChange = isEditor(role);
  const isEmpty = page.data?.devices.length === 0 && !isFiltered(filters) && search.after === undefined;
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        <Button
          variant="default"
          leftSection={<Shapes size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/devices/types" {...props} />}
        >
          {t("types")}
        </Button>
        {page.data !== undefined && !isEmpty && (
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
      {!isEmpty && <Filters filters={filters} types={types.data ?? []} />}
      <FormFailure error={page.error ?? types.error} />
      {page.isPending && <Loading />}
      {isEmpty && (
        <EmptyState icon={Cpu} title={t("none")} description={t(mayChange ? "noneWhy" : "noneViewer")}>
          <Link to="/device-code">{t("deviceCode")}</Link>
        </EmptyState>
      )}
      {page.data !== undefined && page.error === null && !isEmpty && (
        <>
          {page.data.devices.length === 0 ? (
            <EmptyState icon={SearchX} title={t("noMatch")} description={t("noMatchWhy")}>
              <Link to="/devices">{t("clear")}</Link>
            </EmptyState>
          ) : (
            <DeviceTable
              devices={page.data.devices}
              filters={filters}
              now={page.dataUpdatedAt}
              isStale={page.isPlaceholderData}
            />
          )}
          <Group component="nav" justify="center" gap="sm" aria-label={t("pages")}>
            {search.after !== undefined && (
              <Button
                variant="default"
                leftSection={<ChevronLeft size={16} aria-hidden />}
                renderRoot={(props) => <Link to="/devices" search={filters} {...props} />}
              >
                {t("first")}
              </Button>
            )}
            {next !== null && (
              <Button
                variant="default"
                rightSection={<ChevronRight size={16} aria-hidden />}
                renderRoot={(props) => <Link to="/devices" search={{ ...filters, after: next }} {...props} />}
              >
                {t("next")}
              </Button>
            )}
          </Group>
        </>
      )}
      <AddDevice opened={adding} onClose={add.close} />
      <ImportDevices opened={importing} onClose={bring.close} />
    </div>
  );
}
