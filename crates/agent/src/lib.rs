//! Host sampler: the vitals of this machine under Telegraf's names
